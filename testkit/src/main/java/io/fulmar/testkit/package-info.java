/**
 * What applications that embed Fulmar, authors of destinations and this project itself test with:
 * real PostgreSQL servers, an engine over rows in memory, and fakes that record what they were
 * given.
 */
@NullMarked
package io.fulmar.testkit;

import org.jspecify.annotations.NullMarked;
