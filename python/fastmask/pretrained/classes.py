"""Which class of transformers a folder belongs to: the rules of `AutoTokenizer`, version 5."""

from collections.abc import Mapping
from typing import Any

from fastmask.pretrained.config import Config

# What keeps the file as it is, by whatever name.
GENERIC = "PreTrainedTokenizerFast"
_GENERIC_NAMES = {"TokenizersBackend", "PreTrainedTokenizer", "PythonBackend", "BloomTokenizer"}

# Names that mean another class.
_ALIASES = {
    **dict.fromkeys(
        [f"{name}Tokenizer" for name in ("Electra", "MobileBert", "LayoutLM", "SqueezeBert", "Lxmert")], "BertTokenizer"
    ),
    **dict.fromkeys([f"{name}Tokenizer" for name in ("Bart", "LED", "Longformer", "Mvp")], "RobertaTokenizer"),
}

# The class of a model's type, for folders that name the type alone.
_TYPES = {
    "AlbertTokenizer": "albert yoso",
    "BertTokenizer": (
        "align bark bert blip bros chinese_clip convbert distilbert electra ernie flava git grounding-dino layoutlm "
        "lxmert megatron-bert mm-grounding-dino mobilebert nezha nomic_bert qdqbert realm retribert squeezebert tvp "
        "vilt visual_bert"
    ),
    "CLIPTokenizer": "aimv2 clip clipseg groupvit omdet-turbo oneformer owlv2 owlvit sam3 sam3_video xclip",
    "DPRQuestionEncoderTokenizer": "dpr",
    "GPT2Tokenizer": (
        "blip-2 codegen dbrx emu3 gpt2 gpt_neo gptj hyperclovax_vision_v2 instructblip instructblipvideo jais2 opt phi "
        "starcoder2"
    ),
    "GPTNeoXTokenizer": "falcon_mamba gpt_neox mamba mamba2 mpt olmo olmoe rwkv xlstm",
    "GemmaTokenizer": (
        "diffusion_gemma gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text recurrent_gemma shieldgemma2 t5gemma zaya"
    ),
    "LlamaTokenizer": "idefics idefics2",
    "MPNetTokenizer": "mpnet",
    "Qwen2Tokenizer": (
        "audioflamingo3 colqwen2 cosmos3_omni dots3_note fun_asr_nano hunyuan_vl internvl lighton_ocr "
        "moss_transcribe_diarize ovis2 qianfan_ocr qwen2 qwen2_5_omni qwen2_5_vl qwen2_audio qwen2_moe qwen2_vl qwen3 "
        "qwen3_asr qwen3_moe qwen3_next qwen3_omni_moe qwen3_vl qwen3_vl_moe vibevoice"
    ),
    "RobertaTokenizer": (
        "bart bridgetower clap data2vec-text florence2 ibert led lilt longformer mega mra mvp roberta "
        "roberta-prelayernorm"
    ),
    "T5Tokenizer": "mt5 musicgen musicgen_melody switch_transformers t5",
    "XLMRobertaTokenizer": "gte jina_embeddings_v3 metaclip_2 trocr xlm-roberta xmod",
    "XLNetTokenizer": "xlnet",
    GENERIC: (
        "EvollaModel arctic aria beam bigbird_pegasus camembertv2-base canary chatlm cohere_asr ernie4_5 "
        "ernie4_5_moe flex_olmo fuyu glm glm4 glm4_moe glm4_moe_lite glm4v glm4v_moe glm_image glmasr got_ocr2 "
        "gpt_bigcode gradium_phonon_tts granite granitemoe granitemoehybrid granitemoeshared h2ovl_chat "
        "hyperclovax hyperclovax_vlm internlm2 internlm3 iquestcoder jamba kimi_k25 kimi_linear kosmos-2 llava "
        "llava_next mimo_v2_flash minicpm3 minicpm_ocr minicpmv minicpmv4_6 minicpmv4_7 minimax_m2 ministral "
        "ministral3 mistral mistral3 mistral_large4 mixtral modernbert modernbert-decoder molmo molmo2 "
        "nemo_speechlm nemotron nvfp4 nystromformer olmo2 olmo3 olmo_hybrid opencua openvla paddleocr_vl pegasus_x "
        "persimmon phi3 phi3_v phimoe pix2struct pixtral pocket_tts smolvlm stablelm step3_vl umt5 vipllava "
        "voxtral voxtral_realtime xlm-roberta-xl"
    ),
}
_CLASS_OF = {kind: name for name, kinds in _TYPES.items() for kind in kinds.split()}

# Models whose folders name a class that is not theirs.
_MISNAMED = {"hyperclovax_vision_v2", "qwen2"} | set(_TYPES[GENERIC].split())


def class_of(config: Config, model: Mapping[str, Any], content: str) -> str | None:
    """Return the name of the class that `AutoTokenizer` would make, without its ``Fast``; None where nothing says it.

    Args:
        config: the folder's configuration of the tokenizer.
        model: the folder's config.json.
        content: the folder's tokenizer.json; empty where there is none.

    """
    named = config.text("tokenizer_class") or model.get("tokenizer_class")
    name = _canonical(named) if isinstance(named, str) else None
    kind = model.get("model_type")
    registered = _CLASS_OF.get(kind) if isinstance(kind, str) else None
    if name == "LlamaTokenizer" and '"ByteLevel"' in content and kind not in _MISNAMED:
        # The class is for SentencePiece; such files are of later models, and their folders were not mended.
        return GENERIC
    if name is None:
        return registered
    if registered is None or registered == name:
        return name
    return registered if registered == GENERIC or kind in _MISNAMED else name


def _canonical(name: str) -> str:
    name = name.removesuffix("Fast") if name != GENERIC else name
    return GENERIC if name in _GENERIC_NAMES else _ALIASES.get(name, name)
