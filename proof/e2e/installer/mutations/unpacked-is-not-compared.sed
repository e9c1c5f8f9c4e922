# the unpacked file is not compared
# installer::damage::each_blob
s/|| compare_unpacked "$view"$/|| :/
