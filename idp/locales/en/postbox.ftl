## The digital postbox
postbox-label = Digital mailbox
postbox-change = To change or delete it, go to the supplier.
postbox-choose = Choose a digital mailbox
postbox-about = In a digital mailbox you get letters from the public sector online instead of on paper. You choose the supplier yourself, and create the mailbox there. You need BankID or another electronic ID at a high level of security to open it.
postbox-new-tab = The links open in a new tab, so that you do not lose your login.
event-by-organisation = Done by { $name }
event-postbox-registered = You have got a digital mailbox with { $provider }
event-postbox-moved = The digital mailbox was moved to { $provider }
event-postbox-changed = The address of the digital mailbox with { $provider } was changed
event-postbox-removed = The digital mailbox with { $provider } was deleted

# What its owner is told
tell-postbox-registered = You have got a digital mailbox. Letters from the public sector now go there.
tell-postbox-moved = Your digital mailbox was moved to another supplier. Letters from the public sector now go there.
