//! The provider's price cards, written by hand from the vendors' published prices (November 2026).
//!
//! A line is `NAMES | IN READ WRITE5M WRITE1H OUT | …`, all in dollars for a million tokens. `-` means "as input".
//! Further parts: `>N rates` (above N prompt tokens the whole request takes these), `tier NAME rates` (and
//! `tier NAME+long rates`), `search USD` (for a thousand), `grounding USD` (for a thousand prompts that were searched for), `fee TOOL USD`
//! (for a thousand uses), `factor NAME X` (`fast`, or a residency such as `us`), `from TIME` (UTC; the card before it ends there), `peak rates`
//! (DeepSeek's busy hours), `holds PROMPT OUTPUT` (the most tokens that the model reads and writes). After the five rates may stand
//! `audio IN READ OUT` or `image OUT`. A line `[azure global, azure regional eastus]` heads the cards of a seller and place; without one
//! they are the vendor's own. Images and sound have words of their own: `image_in` and `character` in dollars for a million, `second`
//! for one, and `each QUALITY/SIZE USD` for one image.

/// The cards that [`super::Biller::standard`] reads.
pub const CARDS: &str = "
# OpenAI: prompt tokens include cached ones on the wire; here the classes are disjoint.
gpt-6.1-sol | 2 0.10 2.50 5 10 | >272000 4 0.20 5 10 15 | tier priority 4 0.20 5 10 20 | tier priority+long 8 0.40 10 20 30 | tier ultrafast 12 0.60 15 30 60 | tier ultrafast+long 24 1.20 30 60 90 | tier flex 1 0.05 1.25 2.50 5 | tier flex+long 2 0.10 2.50 5 7.50 | tier batch 1 0.05 1.25 2.50 5 | tier batch+long 2 0.10 2.50 5 7.50 | search 10 | factor us 1.1 | factor eu 1.1 | fee file_search 2.5 | fee code_interpreter 30 | holds 922000 128000
gpt-5.6-sol | 4 0.40 5 10 20 | >272000 8 0.80 10 20 30 | tier priority 8 0.80 10 20 40 | tier priority+long 16 1.60 20 40 60 | tier flex 2 0.20 2.50 5 10 | tier flex+long 4 0.40 5 10 15 | tier batch 2 0.20 2.50 5 10 | tier batch+long 4 0.40 5 10 15 | search 10 | from 2026-08-21 | factor us 1.1 | factor eu 1.1 | fee file_search 2.5 | fee code_interpreter 30 | holds 922000 128000
gpt-5.6-sol | 5 0.50 6.25 12.50 30 | >272000 10 1.00 12.50 25 45 | from 2026-07-01 | holds 922000 128000
gpt-5.5 | 5 0.50 - - 30 | >272000 10 1.00 - - 45 | tier priority 12.50 1.25 - - 75 | tier flex 2.50 0.25 - - 15 | tier flex+long 5 0.50 - - 22.50 | tier batch 2.50 0.25 - - 15 | tier batch+long 5 0.50 - - 22.50 | search 10 | factor us 1.1 | factor eu 1.1 | fee file_search 2.5 | fee code_interpreter 30 | holds 1050000 128000
gpt-5.4 | 2.50 0.25 - - 15 | >272000 5 0.50 - - 22.50 | tier priority 5 0.50 - - 30 | tier flex 1.25 0.13 - - 7.50 | tier flex+long 2.50 0.25 - - 11.25 | tier batch 1.25 0.13 - - 7.50 | tier batch+long 2.50 0.25 - - 11.25 | search 10 | factor us 1.1 | factor eu 1.1 | fee file_search 2.5 | fee code_interpreter 30 | holds 1050000 128000
gpt-5.4-mini | 0.75 0.075 - - 4.50 | tier priority 1.50 0.15 - - 9 | tier flex 0.375 0.0375 - - 2.25 | tier batch 0.375 0.0375 - - 2.25 | search 10 | factor us 1.1 | factor eu 1.1 | fee file_search 2.5 | fee code_interpreter 30 | holds 272000 128000
gpt-5.4-nano | 0.20 0.02 - - 1.25 | tier flex 0.10 0.01 - - 0.625 | tier batch 0.10 0.01 - - 0.625 | search 10
gpt-5.3-codex | 1.75 0.175 - - 14 | tier priority 3.50 0.35 - - 28 | search 10 | fee file_search 2.5 | fee code_interpreter 30 | holds 272000 128000
gpt-5 | 1.25 0.125 - - 10 | tier priority 2.50 0.25 - - 20 | tier flex 0.625 0.0625 - - 5 | tier batch 0.625 0.0625 - - 5 | search 10 | fee file_search 2.5 | fee code_interpreter 30 | holds 272000 128000
gpt-5-mini | 0.25 0.025 - - 2 | tier priority 0.45 0.045 - - 3.60 | tier flex 0.125 0.0125 - - 1 | tier batch 0.125 0.0125 - - 1 | search 10 | fee file_search 2.5 | fee code_interpreter 30 | holds 272000 128000
gpt-4.1 | 2 0.50 - - 8 | tier priority 3.50 0.875 - - 14 | tier batch 1 0.50 - - 4 | search 25 | fee file_search 2.5 | fee code_interpreter 30 | holds 1047576 32768
gpt-4o-mini | 0.15 0.075 - - 0.60 | tier priority 0.25 0.125 - - 1 | tier batch 0.075 0.075 - - 0.30 | search 25 | holds 128000 16384
gpt-4o | 2.50 1.25 - - 10 | tier priority 4.25 2.125 - - 17 | holds 128000 16384
gpt-4o-search-preview | 2.50 1.25 - - 10 | search 25 | holds 128000 16384
o3 | 2 0.50 - - 8 | tier priority 3.50 0.875 - - 14 | tier flex 1 0.25 - - 4 | search 10 | fee file_search 2.5 | holds 200000 100000
gpt-audio | 2.50 - - - 10 audio 32 - 64 | holds 128000 16384
text-embedding-3-small | 0.02 - - - 0 | tier batch 0.01 - - - 0 | holds 300000 1
text-embedding-3-large | 0.13 - - - 0 | tier batch 0.065 - - - 0 | holds 300000 1

gpt-3.5-turbo-instruct | 1.50 - - - 2

# Images: by the token of text, of images in and of images out, or by the image.
gpt-image-1 | 5 1.25 - - 40 image 40 | image_in 10
gpt-image-1-mini | 2 0.20 - - 8 image 8 | image_in 2.50
gpt-image-1.5 | 5 1.25 - - 10 image 32 | image_in 8
gpt-image-2 | 5 1.25 - - 30 image 30 | image_in 8
dall-e-2 | 0 - - - 0 | each standard/256x256 0.016 | each standard/512x512 0.018 | each standard/1024x1024 0.020
dall-e-3 | 0 - - - 0 | each standard/1024x1024 0.040 | each hd/1024x1024 0.080 | each standard/1024x1792 0.080 | each standard/1792x1024 0.080 | each hd/1024x1792 0.120 | each hd/1792x1024 0.120

# Speech by characters or tokens, transcripts by seconds or tokens.
tts-1 tts-1-1106 | 0 - - - 0 | character 15
tts-1-hd tts-1-hd-1106 | 0 - - - 0 | character 30
gpt-4o-mini-tts | 0.60 - - - 12
whisper-1 | 0 - - - 0 | second 0.0001
gpt-4o-transcribe | 2.50 - - - 10 audio 6 - -
gpt-4o-mini-transcribe | 1.25 - - - 5 audio 3 - -
omni-moderation-latest | 0 - - - 0

# Anthropic: input excludes cache; a write for 5 minutes is 1.25 times input, for an hour twice.
claude-opus-5 claude-opus-4-8 | 5 0.50 6.25 10 25 | tier batch 2.50 0.25 3.125 5 12.50 | factor fast 2 | factor us 1.1 | search 10 | holds 1000000 128000
claude-opus-5-5 | 4 0.20 5 8 20 | tier batch 2 0.10 2.50 4 10 | factor fast 2 | factor us 1.1 | search 10 | holds 1000000 128000
claude-sonnet-5 | 2 0.20 2.50 4 10 | tier batch 1 0.10 1.25 2 5 | factor us 1.1 | search 10 | holds 1000000 128000
claude-sonnet-4-6 | 3 0.30 3.75 6 15 | tier batch 1.50 0.15 1.875 3 7.50 | factor us 1.1 | search 10 | holds 1000000 128000
claude-sonnet-4-5 | 3 0.30 3.75 6 15 | tier batch 1.50 0.15 1.875 3 7.50 | search 10 | holds 200000 64000
claude-haiku-4-5 | 1 0.10 1.25 2 5 | tier batch 0.50 0.05 0.625 1 2.50 | search 10 | holds 200000 64000

claude-haiku-5-5 | 0.10 0.01 0.125 0.20 0.50 | >100000 0.50 0.05 0.625 1 2.50 | tier batch 0.05 0.005 0.0625 0.10 0.25 | tier batch+long 0.25 0.025 0.3125 0.50 1.25 | factor us 1.1 | search 10 | holds 1000000 128000

# Gemini: a fee for each search query (3.x) or grounded prompt (2.5).
gemini-3.8-flash | 0.75 0.075 - - 3.75 | tier priority 1.35 0.135 - - 6.75 | tier flex 0.375 0.0375 - - 1.875 | tier batch 0.375 0.0375 - - 1.875 | search 14 | fee google_maps 14 | holds 1048576 65536
gemini-3.8-flash | 1.5 0.15 - - 7.5 | from 2027-01-01 | search 14 | fee google_maps 14 | holds 1048576 65536
gemini-3.5-flash | 1.50 0.15 - - 9 | tier priority 2.70 0.27 - - 16.20 | tier flex 0.75 0.08 - - 4.50 | tier batch 0.75 0.075 - - 4.50 | search 14 | fee google_maps 14 | holds 1048576 65536
gemini-3.5-flash-lite | 0.30 0.03 - - 2.50 | tier priority 0.54 0.05 - - 4.50 | tier flex 0.15 0.02 - - 1.25 | tier batch 0.15 0.02 - - 1.25 | search 14 | fee google_maps 14 | holds 1048576 65536
gemini-3.1-pro-preview | 2 0.20 - - 12 | >200000 4 0.40 - - 18 | tier priority 3.60 0.36 - - 21.60 | tier priority+long 7.20 0.72 - - 32.40 | tier flex 1 0.20 - - 6 | tier batch 1 0.20 - - 6 | tier batch+long 2 0.40 - - 9 | search 14 | fee google_maps 14 | holds 1048576 65536
gemini-2.5-pro | 1.25 0.125 - - 10 | >200000 2.50 0.25 - - 15 | tier priority 2.25 0.225 - - 18 | tier priority+long 4.50 0.45 - - 27 | tier flex 0.625 0.125 - - 5 | tier batch 0.625 0.125 - - 5 | tier batch+long 1.25 0.25 - - 7.50 | grounding 35 | fee google_maps 25 | holds 1048576 65536
gemini-2.5-flash | 0.30 0.03 - - 2.50 audio 1 0.10 - | tier priority 0.54 0.054 - - 4.50 audio 1.80 0.18 - | tier flex 0.15 0.03 - - 1.25 audio 0.50 0.10 - | tier batch 0.15 0.03 - - 1.25 audio 0.50 0.10 - | grounding 35 | fee google_maps 25 | holds 1048576 65536
gemini-2.5-flash-lite | 0.10 0.01 - - 0.40 audio 0.30 0.03 - | tier priority 0.18 0.018 - - 0.72 audio 0.54 0.054 - | tier flex 0.05 0.01 - - 0.20 audio 0.15 0.03 - | tier batch 0.05 0.01 - - 0.20 audio 0.15 0.03 - | grounding 35 | fee google_maps 25 | holds 1048576 65536
gemini-4-argon | 2 0.10 - - 10 | tier priority 3.60 0.18 - - 18 | tier flex 1 0.05 - - 5 | tier batch 1 0.05 - - 5 | search 14 | fee google_maps 14 | holds 1048576 1048576
gemini-4-argon | 4 0.20 - - 20 | from 2026-12-01 | search 14 | fee google_maps 14 | holds 1048576 1048576
gemini-2.5-flash-image | 0.30 0.03 - - 2.50 image 30 | holds 65536 32768
gemini-3-pro-image | 2 - - - 12 image 120 | holds 65536 32768
gemini-embedding-001 | 0.15 - - - 0 | tier batch 0.075 - - - 0 | holds 20480 1

# Others that speak OpenAI's dialect.
deepseek-chat | 0.15 0.003 - - 0.60 | peak 0.30 0.006 - - 1.20 | from 2026-09-11 | holds 131072 8192
deepseek-v4-flash | 0.22 0.007 - - 0.66 | from 2026-08-16T16:00 | holds 1000000 393216
deepseek-v4-flash | 0.15 0.003 - - 0.60 | peak 0.30 0.006 - - 1.20 | from 2026-09-11 | holds 1000000 393216
deepseek-v4-pro | 0.435 0.003625 - - 0.87 | from 2026-05-26 | holds 1000000 393216
deepseek-v4-pro | 0.66 0.022 - - 1.98 | peak 1.32 0.044 - - 3.96 | from 2026-08-16T16:00 | holds 1000000 393216
grok-4.6 | 2 0.50 - - 6 | >199999 4 1.00 - - 12 | holds 500000 500000
grok-code-fast-1 | 1 0.20 - - 2 | >199999 2 0.40 - - 4 | holds 256000 256000
mistral-large-4 | 1.36 0.14 - - 4.18 | from 2026-10-20 | holds 1048576 1048576
mistral-large-4 | 0.70 0.07 - - 2.10 | from 2026-10-29 | holds 1048576 1048576
mistral-large-latest | 0.50 0.05 - - 1.50 | holds 262144 262144
mistral-medium-latest | 1.50 0.15 - - 7.50 | holds 262144 262144
codestral-latest | 0.30 0.03 - - 0.90 | holds 128000 128000
mai-code-1-flash mai-code-1-flash-picker | 0.75 0.075 - - 4.50
";
