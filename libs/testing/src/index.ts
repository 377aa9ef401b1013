export { badInputFixtures, spekeFixture, spekeFixtures, type BadInputFixture, type SpekeFixture } from './fixtures';
