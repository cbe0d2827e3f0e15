"""School MIS data, from the partners' APIs to published marts."""

import warnings

# A library looks for a run-time folder at its import and warns where there is none: in containers and under cron.
warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
