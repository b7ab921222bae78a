"""The tutorial's job: digits, row by row."""

import elman

train, validation, test = elman.datasets.mnist()
model = elman.Model(elman.RNN(28, 128), 10)
trainer = elman.Trainer(model, elman.Adam(0.001), batch_size=128)
for epoch in trainer.fit(train.x, train.y, epochs=1):
    print(f"epoch {epoch.epoch}: loss {epoch.loss:.3f}, validation {model.evaluate(*validation).accuracy:.3f}")
print(f"test accuracy {model.evaluate(*test).accuracy:.3f}")
