# bad content is not removed before the import
# installer::damage::each_blob
s/on client content rm "$blob"/:/
