"""Hugging Face models: importing this package registers them with the Auto classes."""

from transformers import AutoConfig, AutoModel, AutoModelForMultipleChoice

from kglm.models.configuration_knowledge_qa import KnowledgeQAConfig
from kglm.models.modeling_knowledge_qa import KnowledgeQAForMultipleChoice, KnowledgeQAOutput

AutoConfig.register(KnowledgeQAConfig.model_type, KnowledgeQAConfig, exist_ok=True)
AutoModel.register(KnowledgeQAConfig, KnowledgeQAForMultipleChoice, exist_ok=True)
AutoModelForMultipleChoice.register(KnowledgeQAConfig, KnowledgeQAForMultipleChoice, exist_ok=True)

__all__ = ["KnowledgeQAConfig", "KnowledgeQAForMultipleChoice", "KnowledgeQAOutput"]
