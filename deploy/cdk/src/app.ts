import { App } from 'aws-cdk-lib';
import { readInstallation } from './config';
import { installLatchkey } from './installation';

const app = new App();
installLatchkey(app, readInstallation(process.env));
app.synth();
