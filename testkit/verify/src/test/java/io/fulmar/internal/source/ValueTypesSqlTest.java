package io.fulmar.internal.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.verify.fixture.SharedServer;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * What is asked about the types of a model's columns costs what they are worth, in any database.
 */
class ValueTypesSqlTest {
  private static final long TEXT = 25;
  private static final long INT = 23;

  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  /** Each table of a database is a type, and an array of it another. */
  @Test
  void typesThatNoColumnHasAreNotRead() throws SQLException {
    try (Connection connection = SharedServer.get().createDatabase().connect();
        PreparedStatement explain =
            connection.prepareStatement("explain " + SourceSql.VALUE_TYPES.sql())) {
      Array asked = connection.createArrayOf("int8", new Object[] {TEXT, INT});
      explain.setArray(1, asked);
      StringBuilder plan = new StringBuilder();
      try (ResultSet lines = explain.executeQuery()) {
        while (lines.next()) {
          plan.append(lines.getString(1)).append('\n');
        }
      }
      asked.free();
      assertThat(plan).contains("Index Scan using pg_type_oid_index on pg_type");
      assertThat(plan).doesNotContain("Seq Scan on pg_type");
    }
  }
}
