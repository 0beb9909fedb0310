"""An imitation of the FLEXT Service (contract §2), on starlette, with its hazards and faults to switch on."""

FAULTS = {
    "variant_echo": "The echo generation without the clean handlers: pipelines cannot be deleted.",
    "variant_partial": "The echo generation as it was wired: plugins and Singer specs, no pipelines.",
    "variant_control_panel": "The current generation: health and invented views, no resources.",
    "fallback_data": "Lists come back with sample data and status 200, as if FlexCore were down.",
    "error_in_200": "Lists come back with an error and status 200.",
    "ignores_page_size": "Pages hold 10 items whatever was asked for.",
    "no_totals": "Pages of plugins come without a total.",
    "page_mutated": "The oldest item moves to the end between two pages, so that one is missed.",
    "duplicate_names": "Plugins and Singer specs of one name are accepted.",
    "born_active": "New pipelines are active at once.",
    "busy_pipeline": "Pipelines are busy and cannot be deleted.",
    "lost_step_reply": "A step is added, and the reply never arrives.",
    "forget": "A restart forgets everything, as without a database.",
}
