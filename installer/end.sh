payload() {
	cat <<'END'
@PAYLOAD@
END
}

main "$@"
}
