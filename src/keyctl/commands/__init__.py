"""The commands, one module each: parse, ask, show. A module's `command` is found by its file name."""

# Each command's first line of help, so that `keyctl --help` and TAB import no command; a test compares them.
SHORT_HELP = {
    "add": "Store an API key and test it",
    "cancel": "Cancel open orders that keyctl placed",
    "checklist": "Show how to make a safe key at an exchange",
    "completion": "Print the completion script for a shell",
    "config": "Show and check your settings",
    "demo": "Play the main job without an account",
    "diagnose": "Find what is wrong with an account, or explain a code",
    "disable": "Take accounts out of everything, keep their secrets",
    "edit": "Change an account's passphrase, markets or groups",
    "enable": "Let disabled accounts take part again",
    "halt": "Stop all orders, or let them go again",
    "keygen": "Make a key pair; the private key stays in the store",
    "limits": "Show the caps on orders and what is used of them",
    "list": "List the stored accounts",
    "order": "Send one order to one or many accounts",
    "orders": "List orders from the journal, settle unknown ones",
    "price": "Show a symbol at every venue, side by side",
    "remove": "Forget an account and its secret",
    "rename": "Give an account another label",
    "request": "Send one signed read and show the answer",
    "show": "Show one account, without its secret",
    "vault": "Keep secrets in an encrypted file",
    "verify": "Check what API keys may do, and from where",
    "whitelist": "Keep IP lists, in each exchange's form",
}
