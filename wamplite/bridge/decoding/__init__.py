"""A frame in, a Reading (args, kwargs of an event) or Undecodable out; pure."""
