package io.fulmar.verify.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.fulmar.Source;
import io.fulmar.verify.fixture.BothEngines;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The same table in several schemas; its one row says where it lies. */
@BothEngines
class SearchPathTest extends SourceFixture {
  private static final String MODEL = "select 1 as id, place from item";

  @BeforeEach
  void createTables() throws Exception {
    database.execute(
        "create table item as select 'public' as place",
        "create schema app",
        "create table app.item as select 'app' as place",
        "create schema \"My, \"\"Schema\"",
        "create table \"My, \"\"Schema\".item as select 'mine' as place");
  }

  private String place(Source source) {
    return destination
        .changes(run(source, sync(MODEL, "id").build()).throwIfFailed().run())
        .get(0)
        .row()
        .text("place");
  }

  @Test
  void namesAreFoundWhereTheSourceSays() {
    assertThat(place(sourceBuilder().searchPath("app", "public").build())).isEqualTo("app");
  }

  @Test
  void unusualNamesAreQuoted() {
    assertThat(place(sourceBuilder().searchPath("My, \"Schema").build())).isEqualTo("mine");
  }

  @Test
  void thePathOfTheRoleIsKeptOtherwise() {
    assertThat(place(source())).isEqualTo("public");
  }

  @Test
  void aPoolOfTheApplicationGetsItsPathBack() throws Exception {
    try (HikariDataSource pool = new HikariDataSource()) {
      pool.setDataSource(database.dataSource());
      pool.setMaximumPoolSize(1);
      assertThat(place(Source.of(pool, Source.builder().searchPath("app")))).isEqualTo("app");
      try (Connection connection = pool.getConnection();
          Statement statement = connection.createStatement();
          ResultSet row = statement.executeQuery("show search_path")) {
        row.next();
        assertThat(row.getString(1)).isEqualTo("\"$user\", public");
      }
    }
  }

  @Test
  void aTemporaryTableDoesNotTakeThePlaceOfATable() throws Exception {
    try (HikariDataSource pool = new HikariDataSource()) {
      pool.setDataSource(database.dataSource());
      pool.setMaximumPoolSize(1);
      try (Connection connection = pool.getConnection();
          Statement statement = connection.createStatement()) {
        statement.execute("create temporary table item as select 'temporary' as place");
      }
      assertThat(place(Source.of(pool, Source.builder().searchPath("app")))).isEqualTo("app");
    }
  }
}
