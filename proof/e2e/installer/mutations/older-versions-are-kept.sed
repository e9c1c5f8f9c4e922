# another version of ours is kept as what was there before
# installer::removal::another_version
s/\*'image.title":"pause"'\*) before/nothing) before/
