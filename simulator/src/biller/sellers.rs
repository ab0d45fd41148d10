//! What others ask for the vendors' models, written by hand from Azure's retail meters, AWS's and Google's price pages and
//! GitHub's table (November 2026). The form is that of [`super::cards`].

/// The cards under headings.
pub(super) const CARDS: &str = "
[azure global]
gpt-5.5 | 5 0.50 - - 30 | >272000 10 1.00 - - 45 | tier priority 12.50 1.25 - - 75 | tier priority+long 20 2.00 - - 90 | tier batch 2.50 0.25 - - 15 | tier batch+long 5 0.50 - - 22.50 | search 14 | fee code_interpreter 30 | holds 922000 128000
gpt-4.1 | 2 0.50 - - 8 | holds 1047576 32768
gpt-audio | 2.50 - - - 10 audio 40 - 80 | holds 128000 16384
[azure data_zone eastus]
gpt-5.5 | 5.50 0.55 - - 33 | >272000 11 1.10 - - 49.50 | tier priority 13.75 1.375 - - 82.50 | tier batch 2.75 0.275 - - 16.50 | tier batch+long 5.50 0.55 - - 24.75 | search 14 | fee code_interpreter 33 | holds 922000 128000
gpt-4.1 | 2.20 0.55 - - 8.80 | holds 1047576 32768
[azure data_zone japaneast]
gpt-5.5 | 6 0.60 - - 36 | >272000 12 1.20 - - 54 | search 14 | fee code_interpreter 33 | holds 922000 128000
[azure regional eastus]
gpt-4.1 | 2.20 0.55 - - 8.80 | holds 1047576 32768

[bedrock global]
global.anthropic.claude-sonnet-5 | 2 0.20 2.50 4 10 | holds 1000000 128000
global.anthropic.claude-opus-4-8 | 5 0.50 6.25 10 25 | holds 1000000 128000
global.anthropic.claude-haiku-4-5-20251001-v1:0 | 1 0.10 1.25 2 5 | holds 200000 64000
[bedrock regional]
us.anthropic.claude-sonnet-5 eu.anthropic.claude-sonnet-5 | 2.20 0.22 2.75 4.40 11 | holds 1000000 128000
us.anthropic.claude-opus-4-8 | 5.50 0.55 6.875 11 27.50 | holds 1000000 128000
us.anthropic.claude-haiku-4-5-20251001-v1:0 | 1.10 0.11 1.375 2.20 5.50 | holds 200000 64000

[vertex]
claude-sonnet-5 | 2 0.20 2.50 4 10 | tier batch 1 - - - 5 | factor us-east5 1.1 | search 10 | holds 1000000 128000
claude-opus-4-8 | 5 0.50 6.25 10 25 | factor us-east5 1.1 | search 10 | holds 1000000 128000
claude-haiku-4-5 | 1 0.10 1.25 2 5 | factor us-east5 1.1 | search 10 | holds 200000 64000
gemini-3.5-flash | 1.50 0.15 - - 9 | tier priority 2.70 0.27 - - 16.20 | factor us-east5 1.1 | search 14 | fee google_maps 14 | holds 1048576 65535
gemini-3.1-pro-preview | 2 0.20 - - 12 | >200000 4 0.40 - - 18 | search 14 | holds 1048576 65536

[xai us]
grok-4.6 | 2.20 0.55 - - 6.60 | >199999 4.40 1.10 - - 13.20 | holds 500000 500000

[github-copilot]
gpt-5.5 | 5 0.50 - - 30 | >272000 10 1.00 - - 45 | holds 400000 128000
gpt-5.4 | 2.50 0.25 - - 15 | >272000 5 0.50 - - 22.50 | holds 400000 128000
claude-sonnet-5 | 2 0.20 2.50 2.50 10 | holds 264000 64000
mai-code-1-flash-picker | 0.75 0.075 - - 4.50 | holds 128000 16384
";
