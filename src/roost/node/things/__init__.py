"""The kinds of things on a machine. Each module holds one frozen dataclass that is a node.thing.Thing."""
