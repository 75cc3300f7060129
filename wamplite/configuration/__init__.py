"""What a router is configured by: files, and what is made of them.

users_file   who may join: users.toml, which `wamplite user` writes
"""
