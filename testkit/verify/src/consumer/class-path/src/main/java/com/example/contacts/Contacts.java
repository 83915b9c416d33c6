package com.example.contacts;

import io.fulmar.Model;
import io.fulmar.Removal;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Destination;

/** What the application does with Fulmar. */
public final class Contacts {
  private final Sync sync;

  public Contacts(Destination crm) {
    this.sync =
        Sync.builder("crm")
            .model(Model.query("contacts", "select id, email, plan from contact").key("id"))
            .to(crm)
            .onRemoved(Removal.DELETE)
            .build();
  }

  /** Brings the CRM up to date. */
  public SyncReport bringUpToDate(SyncEngine engine) {
    return engine.run(sync).throwIfFailed();
  }
}
