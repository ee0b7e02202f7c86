async function check(r) {
  const answer = await r.subrequest('/userinfo');
  const name = answer.status == 200 && JSON.parse(answer.responseText).preferred_username;
  if (!name) {
    r.return(401);
    return;
  }
  r.headersOut['X-User'] = name;
  r.return(200);
}

export default { check };
