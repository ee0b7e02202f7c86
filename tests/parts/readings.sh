#!/bin/bash
# A server that says how it reads a request: "METHOD NAME,NAME PATH", with the method as applications see it, those of the
# names `access_token`, `os_username` and `_method` that it finds in the query, and the path as it would serve it. SERVER says
# which: php, flask, django, node or java.
source "$(dirname "$0")/part.sh"
case ${SERVER:?} in
php)
  need php php-cli
  cat >"$run/index.php" <<'END'
<?php
header("Content-Type: text/plain");
$names = array_intersect(["access_token", "os_username", "_method"], array_map("strval", array_keys($_GET)));
echo $_SERVER["REQUEST_METHOD"], " ", implode(",", $names), " ", urldecode(explode("?", $_SERVER["REQUEST_URI"])[0]);
END
  start "$url/" php -S "127.0.0.1:$port" -t "$run" "$run/index.php"
  ;;
flask)
  venv flask==3.1.3 werkzeug==3.1.8
  cat >"$run/app.py" <<'END'
import sys
from flask import Flask, Response, request

app = Flask(__name__, static_folder=None)

@app.before_request
def read():
    names = [name for name in ("access_token", "os_username", "_method") if name in request.args]
    return Response(f"{request.method} {','.join(names)} {request.path}", mimetype="text/plain")

app.run("127.0.0.1", int(sys.argv[1]))
END
  start "$url/" "$venv/bin/python" "$run/app.py" "$port"
  ;;
django)
  venv django==5.2.19 djangorestframework==3.18.3 cheroot==11.1.2
  cat >"$run/app.py" <<'END'
import sys, django
from django.conf import settings

settings.configure(SECRET_KEY="x" * 50, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, APPEND_SLASH=False)
django.setup()

from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import re_path
from wsgiref.simple_server import make_server

def read(request, path):
    names = [name for name in ("access_token", "os_username", "_method") if name in request.GET]
    return HttpResponse(f"{request.method} {','.join(names)} {request.path}", content_type="text/plain")

urlpatterns = [re_path("(.*)", read)]
make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application()).serve_forever()
END
  start "$url/" "$venv/bin/python" "$run/app.py" "$port"
  ;;
node)
  need node nodejs
  cat >"$run/server.mjs" <<'END'
import http from "node:http";
import querystring from "node:querystring";

const names = ["access_token", "os_username", "_method"];
http.createServer((request, response) => {
  const end = request.url.indexOf("?");
  const path = end < 0 ? request.url : request.url.slice(0, end);
  const query = end < 0 ? "" : request.url.slice(end + 1);
  // As applications read it: by the URL standard, and by the older module.
  const standard = new URLSearchParams(query), older = querystring.parse(query);
  const found = names.filter(name => standard.has(name) || name in older);
  response.setHeader("Content-Type", "text/plain");
  response.end(`${request.method} ${found.join(",")} ${decodeURIComponent(path)}`);
}).listen(Number(process.argv[2]), "127.0.0.1");
END
  start "$url/" node "$run/server.mjs" "$port"
  ;;
java)
  need javac openjdk-17-jdk-headless
  cat >"$run/Readings.java" <<'END'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

public class Readings {
    public static void main(String[] arguments) throws Exception {
        var address = new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0]));
        HttpServer server = HttpServer.create(address, 0);
        server.createContext("/", exchange -> {
            var uri = exchange.getRequestURI();
            var query = uri.getRawQuery() == null ? "" : uri.getRawQuery();
            List<String> found = new ArrayList<>();
            for (String pair : query.split("[&;]")) {
                String name = URLDecoder.decode(pair.split("=", 2)[0], StandardCharsets.UTF_8);
                if (List.of("access_token", "os_username", "_method").contains(name)) found.add(name);
            }
            String said = exchange.getRequestMethod() + " " + String.join(",", found) + " " + uri.getPath();
            byte[] body = said.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "text/plain");
            boolean head = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(200, head ? -1 : body.length);
            if (!head) exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
END
  start "$url/" java "$run/Readings.java" "$port"
  ;;
*) fail "SERVER is no server that this script knows" ;;
esac
ready "$url"
