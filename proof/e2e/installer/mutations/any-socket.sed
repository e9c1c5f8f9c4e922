# anybody's socket is asked
# installer::trust::a_socket_of_hers
s/^\tneed_trust "$socket".*//
s/if is_roots "$socket" \&\&/if/
