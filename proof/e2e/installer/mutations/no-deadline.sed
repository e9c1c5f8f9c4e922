# a client has no deadline
# installer::endings::a_client
s/timeout ${front:+--foreground} -s KILL 60 "$@"/timeout 120 "$@"/
