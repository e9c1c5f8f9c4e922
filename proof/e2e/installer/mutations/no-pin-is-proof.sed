# the installer does not wait for containerd 2's pin
# installer::truth::what_was_edited
s/elif ! soon is_pinned; then/elif false; then/
