"""What a router is configured by: wamplite.toml and users.toml, and what is made of them.

settings     every key of [[listener]] and [[realm]], with kind, default and one line
limits       [router]: every limit by its name, with one line
kinds        kinds of values: files; wamplite.schema and wamplite.units have others
checks       what the keys of a table must be to each other; `whole`: tables to each other
files        the file and what it includes, read whole: all complaints at once
household    one realm as its table says it: users, roles, methods; what may change while it runs
build        a router of all that
enrolling    one-time tickets in users.toml, by which a device hands in its key
users_file   who may join: users.toml, which `wamplite user` writes

`wamplite.keys` tells how a key is declared. To add one of a listener or a realm: a line
`name: type = setting(kind, "what for", default)` in `settings`, and its use in `build.keywords` or
`household`. To add a limit: a field of wamplite.router.limits.Limits, and its line in
`limits.ABOUT`. Checks, `wamplite init`, the JSON Schema and docs/configuration.md follow;
`tools/configuration_page --write` writes the page anew.
"""
