# a copy is written into anybody's directory
# installer::trust::the_folders_of_k3s
s/do need_trust "$place"; done/do :; done/
