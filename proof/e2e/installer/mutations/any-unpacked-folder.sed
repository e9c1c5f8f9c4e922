# a file is repaired in anybody's folder
# installer::trust::folders_of_images
s/^\tneed_trust "${unpacked%.*//
