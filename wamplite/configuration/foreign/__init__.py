"""Files of other routers as one of ours: Crossbar (JSON, YAML), nexus (JSON) and nxt (YAML).

tree       reads a foreign tree, and knows what of it nobody has asked for: that has no counterpart
crossbar   workers, realms, roles, transports, static and dynamic authentication
others     nexus and nxt
draft      what becomes of it: tables of wamplite.toml, and users
"""
