import logging

from kglm.training.progress import Progress, StepReport


def report(step):
    return StepReport(step, 5, 1, 0.5, 2e-5, 1.0, 3)


def test_a_log_file_gets_a_line_at_intervals_and_at_the_end(caplog):
    caplog.set_level(logging.INFO)
    progress = Progress(5, 0, bar=None, log_every=2, shown=True)
    for step in range(1, 6):
        progress.update(report(step))
    progress.say("hello")
    progress.close()
    assert [line.split(":")[0] for line in caplog.messages] == [f"step {i}/5, epoch 1" for i in (2, 4, 5)] + ["hello"]
    assert "loss 0.5000, lr 2.00e-05" in caplog.messages[0]
    assert "questions/s" in caplog.messages[0]


def test_a_bar_shows_loss_rate_and_speed(capsys, caplog):
    caplog.set_level(logging.INFO)
    progress = Progress(5, 4, bar=True, log_every=1, shown=True)
    progress.update(report(5))
    progress.say("hello")
    progress.close()
    shown = capsys.readouterr().err
    assert "5/5" in shown
    assert "loss=0.5000, lr=2.00e-05, questions/s=" in shown
    assert "hello" in shown
    assert not caplog.messages


def test_other_processes_are_silent(capsys, caplog):
    caplog.set_level(logging.INFO)
    progress = Progress(5, 0, bar=True, log_every=1, shown=False)
    progress.update(report(1))
    progress.say("hello")
    progress.close()
    assert not caplog.messages
    assert not capsys.readouterr().err
