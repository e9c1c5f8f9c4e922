# a signal leaves the temporary directory
# installer::endings::a_signal
s/trap 'exit 1' HUP INT PIPE TERM/:/
