package io.fulmar.lightning.internal.state;

import io.fulmar.lightning.internal.database.Database;
import io.fulmar.lightning.internal.database.Patience;
import io.fulmar.lightning.internal.database.Transaction;
import io.fulmar.lightning.internal.schema.Schemas;
import java.sql.SQLException;
import java.time.Duration;

/** Takes the lease of a sync for a test that is about what is written under it. */
public final class Leases {
  private Leases() {}

  /** Takes it, also from somebody who holds it. */
  public static Lease take(
      Database database, Schemas schemas, String sync, String owner, Duration duration)
      throws SQLException {
    try (Transaction transaction = database.begin("fulmar test", "[sync=" + sync + "]")) {
      transaction.update(
          "update %s set expires_at = clock_timestamp() - interval '1 s'"
              .formatted(schemas.leases().sql()));
      Lease lease =
          Lease.take(
              database,
              transaction,
              schemas,
              sync,
              owner,
              duration,
              System::nanoTime,
              new Patience());
      transaction.commit();
      lease.of("fulmar " + sync + " 9", "[sync=" + sync + " run=9]");
      return lease;
    }
  }
}
