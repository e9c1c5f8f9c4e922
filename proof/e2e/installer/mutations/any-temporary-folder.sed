# TMPDIR can be anybody's
# installer::trust::temporary_files
s/^\tis_roots "$folder" || die.*//
