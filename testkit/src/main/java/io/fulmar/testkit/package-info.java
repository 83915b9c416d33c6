/**
 * What applications that embed Fulmar, authors of destinations and this project itself test with:
 * real PostgreSQL servers and fakes that record what they were given.
 */
@NullMarked
package io.fulmar.testkit;

import org.jspecify.annotations.NullMarked;
