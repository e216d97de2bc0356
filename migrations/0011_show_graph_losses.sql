-- why:      what an API server asks for before a purge counts the nodes that wait to be looked at
-- locks:    none
-- breaking: no

grant select on public.graph_losses to rae_api;
