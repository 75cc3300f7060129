"""One file per feature of the Advanced Profile, named by the key under which it is announced."""
