package io.fulmar.verify.engine;

import com.mchange.v2.c3p0.ComboPooledDataSource;
import com.p6spy.engine.spy.P6DataSource;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.fulmar.testkit.TestDatabase;
import java.beans.PropertyVetoException;
import java.sql.SQLException;
import java.util.Map;
import javax.sql.DataSource;
import net.ttddyy.dsproxy.support.ProxyDataSourceBuilder;
import org.apache.commons.dbcp2.BasicDataSource;
import org.apache.tomcat.jdbc.pool.PoolProperties;
import org.springframework.jdbc.datasource.LazyConnectionDataSourceProxy;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.jdbc.datasource.lookup.AbstractRoutingDataSource;

/**
 * The data sources that applications have, each over a pool of one connection, so that the next
 * borrower gets the very connection that a run has used.
 */
enum ApplicationPool {
  HIKARI {
    @Override
    Open open(Setting setting) {
      return hikari(setting);
    }
  },
  /** Waits for a connection without end, by default. */
  DBCP2 {
    @Override
    Open open(Setting setting) {
      BasicDataSource pool = new BasicDataSource();
      pool.setUrl(setting.url());
      pool.setMaxTotal(1);
      pool.setDefaultAutoCommit(setting.autoCommit());
      pool.setDefaultReadOnly(setting.readOnly());
      return new Open(pool, pool::close);
    }
  },
  TOMCAT {
    @Override
    Open open(Setting setting) {
      PoolProperties properties = new PoolProperties();
      properties.setUrl(setting.url());
      properties.setDriverClassName("org.postgresql.Driver");
      properties.setInitialSize(1);
      properties.setMinIdle(1);
      properties.setMaxActive(1);
      properties.setDefaultAutoCommit(setting.autoCommit());
      properties.setDefaultReadOnly(setting.readOnly());
      org.apache.tomcat.jdbc.pool.DataSource pool =
          new org.apache.tomcat.jdbc.pool.DataSource(properties);
      return new Open(pool, pool::close);
    }
  },
  /** Waits for a connection without end, by default; has no setting for autocommit. */
  C3P0 {
    @Override
    Open open(Setting setting) throws PropertyVetoException {
      ComboPooledDataSource pool = new ComboPooledDataSource();
      pool.setDriverClass("org.postgresql.Driver");
      pool.setJdbcUrl(setting.url());
      pool.setInitialPoolSize(1);
      pool.setMinPoolSize(1);
      pool.setMaxPoolSize(1);
      pool.setNumHelperThreads(1);
      return new Open(pool, pool::close);
    }
  },
  /** Waits for a connection without end, by default. */
  AGROAL {
    @Override
    Open open(Setting setting) throws SQLException {
      AgroalDataSource pool =
          AgroalDataSource.from(
              new AgroalDataSourceConfigurationSupplier()
                  .metricsEnabled()
                  .connectionPoolConfiguration(
                      of ->
                          of.maxSize(1)
                              .connectionFactoryConfiguration(
                                  made ->
                                      made.jdbcUrl(setting.url())
                                          .autoCommit(setting.autoCommit()))));
      return new Open(pool, pool::close);
    }
  },
  SPRING_TRANSACTION_AWARE {
    @Override
    Open open(Setting setting) {
      Open pool = hikari(setting);
      return pool.as(new TransactionAwareDataSourceProxy(pool.dataSource()));
    }
  },
  SPRING_LAZY {
    @Override
    Open open(Setting setting) {
      Open pool = hikari(setting);
      return pool.as(new LazyConnectionDataSourceProxy(pool.dataSource()));
    }
  },
  SPRING_ROUTING {
    @Override
    Open open(Setting setting) {
      Open pool = hikari(setting);
      AbstractRoutingDataSource routing =
          new AbstractRoutingDataSource() {
            @Override
            protected Object determineCurrentLookupKey() {
              return "shop";
            }
          };
      routing.setTargetDataSources(Map.of("shop", pool.dataSource()));
      routing.afterPropertiesSet();
      return pool.as(routing);
    }
  },
  /** One connection for all, which closing does not end; what cuts it, ends the data source. */
  SPRING_SINGLE {
    @Override
    Open open(Setting setting) {
      SingleConnectionDataSource one = new SingleConnectionDataSource(setting.url(), true);
      one.setAutoCommit(setting.autoCommit());
      return new Open(one, one::destroy);
    }
  },
  DATASOURCE_PROXY {
    @Override
    Open open(Setting setting) {
      Open pool = hikari(setting);
      return pool.as(ProxyDataSourceBuilder.create(pool.dataSource()).build());
    }
  },
  P6SPY {
    @Override
    Open open(Setting setting) {
      Open pool = hikari(setting);
      return pool.as(new P6DataSource(pool.dataSource()));
    }
  };

  /**
   * What its connections are like.
   *
   * @param url with settings that are neither the server's nor Fulmar's
   */
  record Setting(String url, boolean autoCommit, boolean readOnly) {}

  /** Closes what holds the connections. */
  @FunctionalInterface
  interface Owner {
    void close() throws SQLException;
  }

  /** A data source, and what closes it. */
  record Open(DataSource dataSource, Owner owner) implements AutoCloseable {
    Open as(DataSource wrapper) {
      return new Open(wrapper, owner);
    }

    @Override
    public void close() throws SQLException {
      owner.close();
    }
  }

  abstract Open open(Setting setting) throws Exception;

  /** Opens it before a database, with settings of its own in every session. */
  Open open(TestDatabase database, boolean autoCommit, boolean readOnly) throws Exception {
    String options =
        "-c statement_timeout=7s -c lock_timeout=3s -c idle_in_transaction_session_timeout=9s"
            + " -c IntervalStyle=iso_8601 -c extra_float_digits=0 -c bytea_output=escape";
    String url =
        database.jdbcUrl()
            + "&ApplicationName=shop&options="
            + options.replace(" ", "%20").replace("=", "%3D");
    return open(new Setting(url, autoCommit, readOnly));
  }

  /** Whether its connections may be without autocommit from the beginning. */
  boolean takesAutoCommit() {
    return this != C3P0;
  }

  /** Whether its connections may be read-only from the beginning. */
  boolean takesReadOnly() {
    return this != C3P0 && this != AGROAL && this != SPRING_SINGLE;
  }

  private static Open hikari(Setting setting) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(setting.url());
    config.setMaximumPoolSize(1);

    config.setAutoCommit(setting.autoCommit());
    config.setReadOnly(setting.readOnly());
    HikariDataSource pool = new HikariDataSource(config);
    return new Open(pool, pool::close);
  }
}
