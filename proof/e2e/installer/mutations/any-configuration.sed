# anybody's configuration is read
# installer::trust::a_configuration_of_hers
s/^\tneed_trust "$file" .*//
