# no pin of containerd 2 is waited for
# installer::truth::what_was_edited
s/elif ! soon is_pinned; then/elif false; then/
