from kglm.linking.evaluation.sense_tagged import read_sense_tagged
from kglm.linking.training.examples import held_out, sense_examples


def test_candidates_are_the_senses_in_order_and_a_document_does_not_count_itself(wordnet, tagged):
    examples = sense_examples(wordnet, read_sense_tagged(tagged), counted=True)
    assert len(examples) == 32
    bank, dog = examples[0].mentions
    names = [wordnet.entities[entity] for entity in bank.candidates]
    assert names == ["n00000800", "n00000700"]
    # The graph counted 7 of each; the first document has the river's bank four times.
    assert bank.counts == (7, 3)
    assert bank.right == (False, True)
    assert dog.candidates == (wordnet.entity_id("n00000400"),)
    assert dog.counts == (42 - 4,)
    assert examples[0].text[bank.start : bank.end] == "bank"


def test_counts_of_other_text_stand(wordnet, tagged):
    examples = sense_examples(wordnet, read_sense_tagged(tagged), counted=False)
    assert examples[0].mentions[0].counts == (7, 7)


def test_documents_are_held_out_whole(wordnet, tagged):
    examples = sense_examples(wordnet, read_sense_tagged(tagged), counted=True)
    kept, held = held_out(examples, 4)
    assert {example.document for example in held} == {"d002", "d006"}
    assert len(kept) == 24
    assert not {example.document for example in kept} & {example.document for example in held}
