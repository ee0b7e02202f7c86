// The server of zitadel-op.sh, at the address that it is told.
package main

import (
	"log/slog"
	"net/http"
	"os"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

type users struct{ alice storage.User }

func (u *users) GetUserByID(id string) *storage.User {
	if id == u.alice.ID {
		return &u.alice
	}
	return nil
}

func (u *users) GetUserByUsername(name string) *storage.User {
	if name == u.alice.Username {
		return &u.alice
	}
	return nil
}

func (*users) ExampleClientID() string { return "service" }

func main() {
	address := os.Args[1]
	back := "http://127.0.0.1:9402/cb"
	for _, client := range []string{"app", "other"} {
		storage.RegisterClients(storage.WebClient(client, client+"-secret", back))
	}
	alice := storage.User{
		ID: "u1", Username: "alice", Password: "alice-password", FirstName: "Alice", LastName: "A",
		Email: "alice@example.org", EmailVerified: true,
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	server := exampleop.SetupServer("http://"+address+"/", storage.NewStorage(&users{alice}), log, false)
	log.Error("stopped", "error", http.ListenAndServe(address, server))
}
