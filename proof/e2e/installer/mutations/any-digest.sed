# a name with our digest is refused
# installer::truth::our_own_digest
s/has_digest=@sha256:$index ;;/fail refused ;;/
