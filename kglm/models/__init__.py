"""Hugging Face models: importing this package registers them with the Auto classes."""

from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMultipleChoice,
    AutoModelForPreTraining,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)

from kglm.models.configuration_fusion_encoder import FusionEncoderConfig
from kglm.models.configuration_knowledge_qa import KnowledgeQAConfig
from kglm.models.modeling_fusion_encoder import FusionEncoderModel, FusionEncoderOutput
from kglm.models.modeling_fusion_heads import (
    FusionEncoderForMultipleChoice,
    FusionEncoderForSequenceClassification,
    FusionEncoderForTokenClassification,
)
from kglm.models.modeling_fusion_pretraining import FusionEncoderForPreTraining, FusionPreTrainingOutput
from kglm.models.modeling_knowledge_qa import KnowledgeQAForMultipleChoice, KnowledgeQAOutput

AutoConfig.register(KnowledgeQAConfig.model_type, KnowledgeQAConfig, exist_ok=True)
AutoModel.register(KnowledgeQAConfig, KnowledgeQAForMultipleChoice, exist_ok=True)
AutoModelForMultipleChoice.register(KnowledgeQAConfig, KnowledgeQAForMultipleChoice, exist_ok=True)

AutoConfig.register(FusionEncoderConfig.model_type, FusionEncoderConfig, exist_ok=True)
AutoModel.register(FusionEncoderConfig, FusionEncoderModel, exist_ok=True)
AutoModelForPreTraining.register(FusionEncoderConfig, FusionEncoderForPreTraining, exist_ok=True)
AutoModelForSequenceClassification.register(
    FusionEncoderConfig, FusionEncoderForSequenceClassification, exist_ok=True
)
AutoModelForTokenClassification.register(FusionEncoderConfig, FusionEncoderForTokenClassification, exist_ok=True)
AutoModelForMultipleChoice.register(FusionEncoderConfig, FusionEncoderForMultipleChoice, exist_ok=True)

__all__ = [
    "FusionEncoderConfig",
    "FusionEncoderForMultipleChoice",
    "FusionEncoderForPreTraining",
    "FusionEncoderForSequenceClassification",
    "FusionEncoderForTokenClassification",
    "FusionEncoderModel",
    "FusionEncoderOutput",
    "FusionPreTrainingOutput",
    "KnowledgeQAConfig",
    "KnowledgeQAForMultipleChoice",
    "KnowledgeQAOutput",
]
