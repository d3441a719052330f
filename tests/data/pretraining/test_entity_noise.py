import numpy as np
import pytest

from kglm.data.pretraining.entity_noise import KEPT, MASKED, REPLACED, EntityNoise, corrupt_entities
from kglm.errors import ConfigError

ENTITIES = np.random.default_rng(0).choice([3, 5, 8, 13, 21, 34], 20_000)
DRAWS = np.random.default_rng(1).random((20_000, 2))


def naive(entities, draws, options):
    """Mention by mention."""
    unique = sorted(set(entities.tolist()))
    seen, fates = [], []
    for entity, (fate, which) in zip(entities.tolist(), draws, strict=True):
        if fate < options.replaced and len(unique) > 1:
            place = unique.index(entity)
            others = unique[place + 1 :] + unique[:place]
            seen.append(others[int(which * len(others))])
            fates.append(REPLACED)
        elif options.replaced <= fate < options.replaced + options.masked:
            seen.append(entity)
            fates.append(MASKED)
        else:
            seen.append(entity)
            fates.append(KEPT)
    return seen, fates, unique, [unique.index(entity) for entity in entities.tolist()]


@pytest.mark.parametrize("options", [EntityNoise(), EntityNoise(replaced=0.3, masked=0.0)])
def test_it_is_the_naive_one(options):
    noisy = corrupt_entities(ENTITIES[:500], DRAWS[:500], options)
    seen, fates, unique, labels = naive(ENTITIES[:500], DRAWS[:500], options)
    assert noisy.entities.tolist() == seen
    assert noisy.fates.tolist() == fates
    assert noisy.candidates.tolist() == unique
    assert noisy.labels.tolist() == labels


def test_shares():
    noisy = corrupt_entities(ENTITIES, DRAWS, EntityNoise())
    for fate, share in ((KEPT, 0.80), (REPLACED, 0.05), (MASKED, 0.15)):
        assert abs((noisy.fates == fate).mean() - share) < 5 * np.sqrt(share * (1 - share) / len(ENTITIES))
    replaced = noisy.fates == REPLACED
    assert (noisy.entities[replaced] != ENTITIES[replaced]).all()
    assert (noisy.entities[~replaced] == ENTITIES[~replaced]).all()
    right, others = 3, [5, 8, 13, 21, 34]
    drawn = noisy.entities[replaced & (right == ENTITIES)]
    for other in others:
        assert abs((drawn == other).mean() - 1 / 5) < 5 * np.sqrt(0.16 / len(drawn))


def test_a_single_entity_cannot_be_replaced():
    noisy = corrupt_entities(np.array([7, 7]), np.array([[0.0, 0.5], [0.1, 0.5]]), EntityNoise())
    assert noisy.fates.tolist() == [KEPT, MASKED]
    assert (noisy.entities == 7).all()


def test_no_entity_at_all():
    noisy = corrupt_entities(np.zeros(0, dtype=np.int64), np.zeros((0, 2)), EntityNoise())
    assert [len(part) for part in (noisy.entities, noisy.fates, noisy.candidates, noisy.labels)] == [0, 0, 0, 0]


def test_mistakes_are_named():
    with pytest.raises(ConfigError, match=r"replaced is 0\.9 and masked is 0.2"):
        EntityNoise(replaced=0.9, masked=0.2)
