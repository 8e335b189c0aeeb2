## The digital postbox
postbox-label = Digital postkasse
postbox-change = Vil du byte eller slette henne, gjer du det hos leverandøren.
postbox-choose = Vel digital postkasse
postbox-about = I ei digital postkasse får du brev frå det offentlege på nettet i staden for på papir. Du vel sjølv kven du vil ha henne hos, og opprettar henne der. Du treng BankID eller ein annan elektronisk ID på høgt nivå for å opne henne.
postbox-new-tab = Lenkjene opnar i ei ny fane, så du ikkje mistar innlogginga.
event-by-organisation = Gjort av { $name }
event-postbox-registered = Du har fått digital postkasse hos { $provider }
event-postbox-moved = Den digitale postkassa er flytta til { $provider }
event-postbox-changed = Adressa til den digitale postkassa hos { $provider } er endra
event-postbox-removed = Den digitale postkassa hos { $provider } er sletta

# What its owner is told
tell-postbox-registered = Du har fått ei digital postkasse. Brev frå det offentlege kjem dit no.
tell-postbox-moved = Den digitale postkassa di er flytta til ein annan leverandør. Brev frå det offentlege kjem dit no.
