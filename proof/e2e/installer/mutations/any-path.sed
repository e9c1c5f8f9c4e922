# the caller's PATH is used
# installer::trust::clients_and_tools
s/^PATH=.*//
