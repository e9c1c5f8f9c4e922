# --wait has no end
# installer::waiting::it_does_not_wait
/^in_time() /s/ && \[ "$(now)" -lt "$end" \]//
