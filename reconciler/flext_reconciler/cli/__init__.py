"""The command line: one file a command, loaded when it is used. Only this folder knows the whole chain."""
