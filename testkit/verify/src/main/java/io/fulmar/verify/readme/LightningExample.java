package io.fulmar.verify.readme;

import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.lightning.LightningEngine;

/** README.md's example of the engine that compares inside PostgreSQL, between the markers. */
public final class LightningExample {
  private LightningExample() {}

  /** Checks and runs a sync. */
  static void run(Source source, Sync sync) {
    // begin README
    try (LightningEngine engine = LightningEngine.on(source)) {
      engine.check(sync).throwIfFailed();
      engine.run(sync).throwIfFailed();
    }
    // end README
  }
}
