# a file is repaired in anybody's directory
# installer::trust::folders_of_images
s/^\tneed_trust "${unpacked%.*//
