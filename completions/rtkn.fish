complete --keep-order --exclusive --command rtkn --arguments "(COMPLETE=fish rtkn -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
