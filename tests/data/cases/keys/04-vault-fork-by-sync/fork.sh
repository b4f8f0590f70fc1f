# One folder for two machines: what B wrote last takes the place of A's files.
on() { KEYCTL_HOME=$1 $KEYCTL add binance --label "$2" --api-key "$3" --secret-file "$IN/s" --no-verify >/dev/null 2>&1; }
K=@KEY@; K=${K%?}; A=$TMP/A; B=$TMP/B
KEYCTL_HOME=$A $KEYCTL vault init --key-file "$TMP/fork.key" >/dev/null 2>&1
on "$A" one "${K}1"; cp -r "$A" "$B"; on "$A" only-on-a "${K}2"
for n in 3 4; do on "$B" "on-b$n" "$K$n"; done
cp "$B/state/vault.json" "$A/state/"; cp "$B/config/accounts.json" "$A/config/"
KEYCTL_HOME=$A $KEYCTL exec one -- echo handed on; echo exec=$?
KEYCTL_HOME=$A $KEYCTL vault check; echo check=$?
KEYCTL_HOME=$A $KEYCTL vault check --accept-generation >/dev/null; echo accepted=$?
for kept in "$A"/state/vault.fork-*.json; do KEYCTL_HOME=$A $KEYCTL import "$kept" --from-vault --yes; done
KEYCTL_HOME=$A $KEYCTL list
KEYCTL_HOME=$A $KEYCTL exec binance-back -- echo handed on
